/**
 * Emoji by shortcode. The table is a plain text so that it stays readable; several names may share one sign.
 */

const TABLE = `
😀 grinning|😃 smiley|😄 smile|😁 grin|😆 laughing satisfied|😅 sweat_smile|😂 joy|🤣 rofl rolling_on_the_floor_laughing|🙂 slightly_smiling_face|🙃 upside_down_face
😉 wink|😊 blush|😇 innocent|🥰 smiling_face_with_3_hearts|😍 heart_eyes|🤩 star-struck|😘 kissing_heart|😋 yum|😛 stuck_out_tongue|😜 stuck_out_tongue_winking_eye
🤗 hugging_face hugs|🤔 thinking_face thinking|🤐 zipper_mouth_face|🤨 face_with_raised_eyebrow raised_eyebrow|😐 neutral_face|😑 expressionless|😶 no_mouth|😏 smirk|😒 unamused|🙄 face_with_rolling_eyes roll_eyes
😬 grimacing|😌 relieved|😔 pensive|😪 sleepy|😴 sleeping|😷 mask|🤒 face_with_thermometer|🤕 face_with_head_bandage|🤢 nauseated_face|🤯 exploding_head
🥳 partying_face|😎 sunglasses|🤓 nerd_face|🧐 face_with_monocle|😕 confused|😟 worried|🙁 slightly_frowning_face|☹️ white_frowning_face|😮 open_mouth|😯 hushed
😲 astonished|😳 flushed|🥺 pleading_face|😦 frowning|😧 anguished|😨 fearful|😰 cold_sweat|😥 disappointed_relieved|😢 cry|😭 sob
😱 scream|😖 confounded|😣 persevere|😞 disappointed|😓 sweat|😩 weary|😫 tired_face|🥱 yawning_face|😤 triumph|😡 rage|😠 angry|💀 skull|💩 hankey poop|🤖 robot_face robot|👻 ghost|🙈 see_no_evil
👋 wave|✋ hand raised_hand|👌 ok_hand|✌️ v|🤞 crossed_fingers|👈 point_left|👉 point_right|👆 point_up_2|👇 point_down|☝️ point_up
👍 +1 thumbsup|👎 -1 thumbsdown|✊ fist|👊 facepunch punch|👏 clap|🙌 raised_hands|👐 open_hands|🤝 handshake|🙏 pray|✍️ writing_hand|💪 muscle|👀 eyes|🧠 brain|🤷 shrug|🤦 face_palm facepalm|🙋 raising_hand
❤️ heart|🧡 orange_heart|💛 yellow_heart|💚 green_heart|💙 blue_heart|💜 purple_heart|🖤 black_heart|💔 broken_heart|💯 100|💥 boom collision|💫 dizzy|💬 speech_balloon|💭 thought_balloon|💤 zzz
🌱 seedling|🌲 evergreen_tree|🍀 four_leaf_clover|🌹 rose|🌞 sun_with_face|🌙 crescent_moon|⭐ star|🌟 star2|✨ sparkles|⚡ zap|🔥 fire|❄️ snowflake|🌈 rainbow|☀️ sunny|☁️ cloud|💧 droplet
☕ coffee|🍕 pizza|🎂 birthday|🍰 cake|🍺 beer|🍎 apple|🏆 trophy|🥇 first_place_medal|🏅 sports_medal medal|🎯 dart|🎲 game_die|🎉 tada|🎊 confetti_ball|🎁 gift|🎈 balloon|🎓 mortar_board
🚀 rocket|✈️ airplane|🚗 car|🚦 vertical_traffic_light|🚧 construction|🚨 rotating_light|🏁 checkered_flag|🚩 triangular_flag_on_post|🏠 house|🏢 office
⌚ watch|📱 iphone|💻 computer|⏰ alarm_clock|⏱️ stopwatch|⏳ hourglass_flowing_sand|⌛ hourglass|💡 bulb|🔦 flashlight|💰 moneybag|💸 money_with_wings|🔧 wrench|🔨 hammer|🛠️ hammer_and_wrench|⚙️ gear|🧪 test_tube
🔬 microscope|🔭 telescope|🧭 compass|📎 paperclip|📌 pushpin|📍 round_pushpin|✂️ scissors|🔒 lock|🔓 unlock|🔑 key|📊 bar_chart|📈 chart_with_upwards_trend|📉 chart_with_downwards_trend|📋 clipboard|📅 date|📆 calendar
📝 memo pencil|✏️ pencil2|📁 file_folder|📂 open_file_folder|📄 page_facing_up|📚 books|📖 book open_book|🔖 bookmark|🏷️ label|📣 mega|📢 loudspeaker|🔔 bell|🔕 no_bell|✉️ email envelope|📨 incoming_envelope|📬 mailbox_with_mail|📦 package|🗑️ wastebasket|🔍 mag|🔎 mag_right|🗳️ ballot_box_with_ballot
✅ white_check_mark|☑️ ballot_box_with_check|✔️ heavy_check_mark|❌ x|❎ negative_squared_cross_mark|➕ heavy_plus_sign|➖ heavy_minus_sign|❓ question|❔ grey_question|❗ exclamation heavy_exclamation_mark|‼️ bangbang|⚠️ warning|⛔ no_entry|🚫 no_entry_sign|🛑 octagonal_sign|♻️ recycle|ℹ️ information_source
🔴 red_circle|🟠 large_orange_circle|🟡 large_yellow_circle|🟢 large_green_circle|🔵 large_blue_circle|🟣 large_purple_circle|⚪ white_circle|⚫ black_circle|🟥 large_red_square|🟨 large_yellow_square|🟩 large_green_square|🟦 large_blue_square|⬜ white_large_square|⬛ black_large_square|🔺 small_red_triangle|🔻 small_red_triangle_down|🔸 small_orange_diamond|🔹 small_blue_diamond
⬆️ arrow_up|⬇️ arrow_down|⬅️ arrow_left|➡️ arrow_right|↗️ arrow_upper_right|↘️ arrow_lower_right|↔️ left_right_arrow|🔄 arrows_counterclockwise|🔁 repeat|▶️ arrow_forward|⏸️ double_vertical_bar pause_button|⏹️ black_square_for_stop|⏭️ black_right_pointing_double_triangle_with_vertical_bar|🆕 new|🆗 ok|🆒 cool|🔝 top
0️⃣ zero|1️⃣ one|2️⃣ two|3️⃣ three|4️⃣ four|5️⃣ five|6️⃣ six|7️⃣ seven|8️⃣ eight|9️⃣ nine|🔟 keycap_ten|#️⃣ hash|🅰️ a|🅱️ b
`;

const SIGNS = new Map();
/** Every emoji of the table once, as `{sign, name, names}`, in the order of the table. */
export const EMOJI = TABLE.trim().split(/[|\n]/).map((entry) => {
  const [sign, ...names] = entry.trim().split(" ");
  for (const name of names) SIGNS.set(name, sign);
  return { sign, name: names[0], names };
});

const TONES = { 2: "🏻", 3: "🏼", 4: "🏽", 5: "🏾", 6: "🏿" };

/** The sign of a shortcode ("+1", "wave::skin-tone-3"), or null when it is unknown. */
export function emojiSign(name) {
  const [base, tone] = name.split("::skin-tone-");
  const sign = SIGNS.get(base);
  return sign ? sign + (TONES[tone] ?? "") : null;
}

/** Emoji whose name contains the words, best first; all of them for an empty query. */
export function findEmoji(query) {
  const wanted = query.trim().toLowerCase().replace(/^:|:$/g, "").replaceAll(" ", "_");
  if (!wanted) return EMOJI;
  const rank = (one) => Math.min(...one.names.map((name) => (name === wanted ? 0 : name.startsWith(wanted) ? 1 : name.includes(wanted) ? 2 : 9)));
  return EMOJI.filter((one) => rank(one) < 9).sort((a, b) => rank(a) - rank(b));
}

let canvas = null;
const drawable = new Map();

/** Whether this machine has a glyph for the sign; without one the shortcode is shown instead of an empty box. */
export function canDraw(sign) {
  if (!drawable.has(sign)) drawable.set(sign, paint(sign) !== paint("\u{10FFFF}"));
  return drawable.get(sign);
}

function paint(sign) {
  canvas ??= Object.assign(document.createElement("canvas"), { width: 24, height: 24 }).getContext("2d", { willReadFrequently: true });
  canvas.clearRect(0, 0, 24, 24);
  canvas.font = "16px sans-serif";
  canvas.textBaseline = "top";
  canvas.fillText([...sign][0], 1, 2);
  return canvas.getImageData(0, 0, 24, 24).data.join();
}
